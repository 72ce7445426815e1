/** The nonce that the server put into this page: style elements without it are refused by its content security policy. */
export function styleNonce(): string {
  return document.querySelector('meta[name="csp-nonce"]')?.getAttribute('content') ?? '';
}

/** Mantine's scroll lock (react-remove-scroll) makes a style element of its own and looks for its nonce here. */
export function announceStyleNonce(): void {
  Object.assign(window, { __webpack_nonce__: styleNonce() });
}
