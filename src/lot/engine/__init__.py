"""Where the parts meet: carries out what `core` decides, one file per thing it does."""
