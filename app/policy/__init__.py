"""What a folder's rules files and the site policy mean, and who may have what. Pure: nothing here does I/O."""
