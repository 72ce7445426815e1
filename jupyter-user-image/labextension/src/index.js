// The plugin: one strip above each notebook and console, fed by its kernel's capture status, and one notification for
// each kernel start. Nothing of it is written into the notebook.
import { IConsoleTracker } from '@jupyterlab/console';
import { INotebookTracker } from '@jupyterlab/notebook';
import { Widget } from '@lumino/widgets';
import { askGateway, watchCapture } from './capture-watch.js';
import { createStrip, statusText } from './strip.js';

const ANNOUNCED_KEY = 'shaparak-banner:announced';
const REMEMBERED = 100;
const TOAST_MS = 6_000;
// JupyterLab's notifications are laid out left to right and take no markup.
const RIGHT_TO_LEFT = '\u2067';
const END_OF_ISOLATE = '\u2069';

function activate(app, notebooks, consoles) {
  const announce = (outcome) => announceOnce(app, outcome);
  for (const tracker of [notebooks, consoles]) {
    if (!tracker) continue;
    tracker.widgetAdded.connect((_, panel) => attachStrip(panel, announce));
    tracker.forEach((panel) => {
      attachStrip(panel, announce);
    });
  }
}

function attachStrip(panel, announce) {
  const strip = createStrip((height) => {
    widget.node.style.minHeight = `${height}px`;
    panel.contentHeader.fit();
  });
  const widget = new Widget({ node: strip.root });
  widget.id = `shaparak-banner-${panel.id}`;
  panel.contentHeader.addWidget(widget);

  let watch = null;
  function follow(kernel) {
    // Both the session's first kernel and kernelChanged report the same start.
    if (watch && watch.kernelId === kernel?.id) return;
    watch?.close();
    watch = null;
    if (!kernel) {
      strip.show({ state: 'no-kernel', username: null, reason: null });
      return;
    }
    const onChange = (change) => {
      strip.show(change);
      if (change.state !== 'waiting') announce({ kernelId: kernel.id, ...change });
    };
    watch = watchCapture({ kernelId: kernel.id, ask: askGateway, onChange });
    watch.begin();
  }

  const { sessionContext } = panel;
  const onKernel = (_, { newValue }) => follow(newValue);
  const onStatus = (_, status) => {
    if (status === 'restarting' || status === 'autorestarting') watch?.begin();
  };
  sessionContext.kernelChanged.connect(onKernel);
  sessionContext.statusChanged.connect(onStatus);
  follow(sessionContext.session?.kernel ?? null);
  panel.disposed.connect(() => {
    watch?.close();
    strip.close();
    sessionContext.kernelChanged.disconnect(onKernel);
    sessionContext.statusChanged.disconnect(onStatus);
  });
}

/** One notification per kernel start, also when two tabs show the same kernel or the page is loaded again. */
function announceOnce(app, { kernelId, state, instance, reason }) {
  const key = `${kernelId}:${state}:${instance ?? ''}`;
  const announced = readAnnounced();
  if (announced.includes(key)) return;
  window.sessionStorage.setItem(ANNOUNCED_KEY, JSON.stringify([...announced, key].slice(-REMEMBERED)));
  void app.commands.execute('apputils:notify', {
    message: `${RIGHT_TO_LEFT}${statusText(state, reason)}${END_OF_ISOLATE}`,
    type: state === 'reporting' ? 'success' : 'error',
    options: { autoClose: TOAST_MS },
  });
}

function readAnnounced() {
  try {
    const found = JSON.parse(window.sessionStorage.getItem(ANNOUNCED_KEY) ?? '[]');
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

export default {
  id: 'shaparak-banner:plugin',
  description: 'Shows above each notebook whether its executions are being recorded.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [IConsoleTracker],
  activate,
};
