"""Configuration of every user's Jupyter server. Written by `python -m shaparak_audit_logger install`."""

import os

from jupyter_core.paths import jupyter_runtime_dir

c = get_config()  # noqa: F821 - given by Jupyter

# no terminals, no way out for files but the editor, no export
c.ServerApp.terminals_enabled = False
c.ServerApp.jpserver_extensions = {
    "jupyterlab": True,
    "notebook_shim": True,
    "shaparak_audit_logger": True,
    # starts `npm prefix` in every user server to look for language servers
    "jupyter_lsp": False,
    "jupyter_server_terminals": False,
}
c.ServerApp.authorizer_class = "shaparak_audit_logger.authorizer.LabAuthorizer"
c.ServerApp.quit_button = False
c.ServerApp.open_browser = False
c.ContentsManager.files_handler_class = "tornado.web.ErrorHandler"
c.ContentsManager.files_handler_params = {"status_code": 403}
if os.environ.get("SHAPARAK_KERNEL_JAIL", "none") != "none":
    # without jails the home is no border
    c.ServerApp.contents_manager_class = "shaparak_audit_logger.contents.HomeContentsManager"
c.LabApp.extension_manager = "readonly"
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"

# Every kernel that the operator installed into the environment: ours brings a sensor, of others the gateway is the only
# witness. A person's own specs are not found.
c.ServerApp.kernel_spec_manager_class = "shaparak_audit_logger.kernelspecs.InstalledKernelSpecManager"
c.KernelSpecManager.ensure_native_kernel = False
c.MultiKernelManager.default_kernel_name = "python3"
c.KernelProvisionerFactory.default_provisioner_name = "shaparak-jail"

# Kernels talk to the server over unix sockets in the server's own runtime directory: no port that anybody else on the
# machine could reach. A socket's path has at most 107 bytes, and its name here needs 50 of them. (In a jail the
# provisioner gives each kernel a folder of its own.)
if len(jupyter_runtime_dir()) <= 55:
    c.KernelManager.transport = "ipc"

# the stock limit replaces a large output by a warning
c.ZMQChannelsWebsocketConnection.limit_rate = False
