from genre_engine.cli import main

main()
