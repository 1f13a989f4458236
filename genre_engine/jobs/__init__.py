"""Long work in other processes: trainings, extractions, downloads, searches, new data sets.

    from genre_engine import jobs, training
    jobs.supervisor()                                     # once in a server: starts what waits
    job = jobs.submit("training", training.TrainingRequest("demo", model="fcn"), owner=visitor)
    jobs.open(job.id).status                              # queued → running → finished
    jobs.listing()                                        # whoever started them
    job.pause(), job.cancel(), job.resume()

A job is a folder, `jobs/<id>/` in the workspace (`record` says what lies in it), and that folder is
the truth: a page that is loaded again, a second tab and a server that was started again find it
there. In memory there are only the handles of the processes that a server has started, so that they
end with it. Each module imports only from those before it:

    requests.py     what can be asked for
    record.py       a job on disk
    hosted.py       what a server that visitors share refuses and hides
    reporter.py     what a task reports, and what it is asked to do
    tasks.py        what is done, by kind of job
    kind.py         what is declared of a kind of job
    kinds.py        the kinds of jobs
    job.py          one job as it is now; pause, cancel, resume
    queue.py        who is next, and who may start
    quota.py        how much visitors of a shared server may store
    submission.py   from a request to a job
    supervisor.py   starts the processes of one server
    worker.py       the life of such a process: `python -m genre_engine.jobs ID`
"""

from genre_engine.jobs.job import Job, listing, may_see, of_run, open_job
from genre_engine.jobs.queue import TRAININGS
from genre_engine.jobs.record import STATUSES
from genre_engine.jobs.submission import KINDS, resume_run, submit
from genre_engine.jobs.supervisor import Supervisor, supervisor

__all__ = [
    "KINDS",
    "STATUSES",
    "TRAININGS",
    "Job",
    "Supervisor",
    "listing",
    "may_see",
    "of_run",
    "open",
    "resume_run",
    "submit",
    "supervisor",
]

# The contract names it so: jobs.open(id).
open = open_job  # noqa: A001
