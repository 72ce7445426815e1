export { CaptureSockets } from './capture-sockets.js';
export { captureStatus } from './capture-status.js';
export { forgetExpired, sweepOverdue } from './sweep.js';
