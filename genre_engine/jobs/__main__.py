import sys

from genre_engine.jobs.worker import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
