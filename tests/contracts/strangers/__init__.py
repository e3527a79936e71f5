"""Parts as other packages write them; ``test_strangers.py`` makes a package of each."""
