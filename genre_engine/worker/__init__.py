"""The process that works on one job: `python -m genre_engine.jobs ID`.

    process.py      its life: a place in the queue, signs of life, every way to end
    tasks.py        what it does, by kind

It ends with its standard input, and takes all processes that it started with it.
"""
