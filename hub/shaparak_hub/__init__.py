"""JupyterHub as Shaparak's headless engine: it starts, watches and stops every user's Jupyter server."""
