// ES5 on purpose, see start.cjs. What this machine must be before anything newer is loaded.
var least = [20, 19];

/** One sentence about what is wrong with this Node or system, or null. */
function complaint(version, platform) {
  if (platform === 'win32')
    return 'Shaparak does not run on Windows itself; use WSL (wsl --install) or a Linux container and run npm start there.';
  var parts = version.split('.').map(Number);
  if (parts[0] > least[0] || (parts[0] === least[0] && parts[1] >= least[1])) return null;
  return (
    'Shaparak needs Node ' +
    least.join('.') +
    ' or newer and this is Node ' +
    version +
    '; install a newer one (for example: nvm install 22, or https://nodejs.org) and run the same command again.'
  );
}

function check() {
  var problem = complaint(process.versions.node, process.platform);
  if (problem === null) return;
  console.error(problem);
  process.exit(1);
}

module.exports = { check: check, complaint: complaint };
