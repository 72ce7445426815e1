// The strip's DOM: the seed's lines, right to left, and the one line that tells the truth about recording.
import * as text from './text.js';

/** Several notebooks are open at once; crypto.randomUUID is missing on a plain-HTTP host. */
let bodies = 0;

/** Builds the strip; `onResize(height)` is called whenever its natural height changes. */
export function createStrip(onResize) {
  const root = element('section', 'shaparak-banner', { dir: 'rtl', lang: 'fa', 'aria-label': text.REGION });
  const inner = element('div', 'shaparak-banner-inner');
  const user = element('bdi', 'shaparak-banner-user', {}, text.UNKNOWN_USER);
  bodies += 1;
  const body = element('div', 'shaparak-banner-body', { id: `shaparak-banner-body-${bodies}` });
  body.append(
    rule(),
    line(text.TITLE, 'shaparak-banner-title'),
    rule(),
    line(text.USER_LABEL, '', user),
    line(text.DATA_LABEL, '', element('bdi', '', { dir: 'ltr' }, text.DATA_CALLS)),
    line(text.RECORDED),
    line(text.FORBIDDEN),
    rule(),
  );
  // A paragraph: as text it stands after one empty line, like in the seed.
  const status = element('p', 'shaparak-banner-status', { role: 'status' }, text.WAITING);
  const toggle = element('button', 'shaparak-banner-toggle', { type: 'button', 'aria-controls': body.id });
  inner.append(body, status, toggle);
  root.append(inner);

  function setCollapsed(collapsed) {
    body.hidden = collapsed;
    const label = collapsed ? text.EXPAND : text.COLLAPSE;
    toggle.setAttribute('aria-expanded', String(!collapsed));
    toggle.setAttribute('aria-label', label);
    toggle.title = label;
  }
  toggle.addEventListener('click', () => setCollapsed(!body.hidden));
  setCollapsed(false);

  // JupyterLab's contentHeader gives its children no height of their own: without this the text is in the DOM and
  // nothing is visible.
  const observer = new ResizeObserver(() => onResize(inner.offsetHeight));
  observer.observe(inner);

  return {
    root,
    /** Shows a state of watchCapture, or 'no-kernel'. */
    show({ state, username, reason }) {
      root.dataset.state = state;
      if (username) user.textContent = username;
      // A start is news, and so is a failure: neither may hide behind a collapsed strip.
      if (state === 'waiting' || state === 'failed') setCollapsed(false);
      status.textContent = statusText(state, reason);
    },
    close: () => observer.disconnect(),
  };
}

/** The last line for a state; also what the notification says. */
export function statusText(state, reason) {
  if (state === 'reporting') return text.REPORTING;
  if (state === 'failed') return text.problemText(reason);
  return state === 'no-kernel' ? text.NO_KERNEL : text.WAITING;
}

function element(tag, className, attributes = {}, content = '') {
  const node = document.createElement(tag);
  if (className) node.className = className;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = content;
  return node;
}

function line(content, className = '', child = null) {
  const node = element('div', `shaparak-banner-line ${className}`.trim(), {}, content);
  if (child) node.append(child);
  return node;
}

// The seed's rule is text; a screen reader need not read sixty equals signs.
function rule() {
  return element('div', 'shaparak-banner-rule', { 'aria-hidden': 'true' }, text.RULE);
}
