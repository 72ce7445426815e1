export { CaptureSockets } from './capture-sockets.js';
export { captureStatus } from './capture-status.js';
export { recordFindings } from './findings.js';
export { Readiness } from './readiness.js';
export { receive } from './receive.js';
export { createSweep, forgetExpired } from './sweep.js';
export { quarantineObservation, tellWireProgress, tellWireSigns } from './wire-signs.js';
export type { Finding } from './witnesses.js';
