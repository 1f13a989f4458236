"""Long work in other processes: trainings, extractions, downloads, searches, new data sets.

    from genre_engine import jobs
    jobs.supervisor()                                     # once in a server: starts what waits
    job = jobs.submit("training", {"dataset_name": "demo", "model": "fcn"}, owner=visitor)
    jobs.open(job.id).status                              # queued → running → finished
    jobs.listing()                                        # whoever started them
    job.pause(), job.cancel(), job.resume()

A job is a folder, `jobs/<id>/` in the workspace (`job` says what lies in it), and that folder is
the truth: a page that is loaded anew, a second tab and a server that was started again find it
there. In memory there are only the handles of the processes that a server has started, so that they
end with it.

    job.py          one job on disk
    queue.py        who waits, who is next, and who may start
    submission.py   what may be asked for
    hosted.py       what a server that visitors share refuses, hides and clears
    supervisor.py   starts the processes of one server
    worker.py       the life of such a process: `python -m genre_engine.jobs ID`
    reporter.py     what it says of itself
    tasks.py        what it does, by kind of job
"""

from genre_engine.jobs.job import STATUSES, Job
from genre_engine.jobs.queue import TRAININGS, listing, of_run, open_job
from genre_engine.jobs.submission import KINDS, resume_run, submit
from genre_engine.jobs.supervisor import Supervisor, supervisor

__all__ = [
    "KINDS",
    "STATUSES",
    "TRAININGS",
    "Job",
    "Supervisor",
    "listing",
    "of_run",
    "open",
    "resume_run",
    "submit",
    "supervisor",
]

# The contract names it so: jobs.open(id).
open = open_job  # noqa: A001
