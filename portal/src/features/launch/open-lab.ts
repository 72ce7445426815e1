import type { api } from '@shaparak/contract';

/**
 * Opens the tab for the lab. It must be called in the click itself, before anything is awaited: a tab opened later
 * counts as a pop-up and is blocked. The tab gets no way back to the portal (`opener`): notebooks show foreign HTML.
 */
export function openLabTab(message: string, direction: 'rtl' | 'ltr'): Window | null {
  const tab = window.open('about:blank', '_blank');
  if (!tab) return null;
  tab.opener = null;
  const { document } = tab;
  document.title = message;
  document.documentElement.dir = direction;
  document.body.textContent = message;
  Object.assign(document.body.style, { font: '16px system-ui', margin: '3rem', color: '#667a7d' });
  return tab;
}

/** Hands the one-time ticket to the lab's host by POST, so that it stands in no address and no history. */
export function presentTicket(tab: Window, { action, ticket }: api.LabTicket) {
  const form = tab.document.createElement('form');
  form.method = 'post';
  form.action = action;
  const field = tab.document.createElement('input');
  field.type = 'hidden';
  field.name = 'ticket';
  field.value = ticket;
  form.append(field);
  tab.document.body.append(form);
  form.submit();
}
