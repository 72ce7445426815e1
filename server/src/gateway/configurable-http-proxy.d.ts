/** configurable-http-proxy 5.3 ships no types; declared is what the gateway uses of it. */
declare module 'configurable-http-proxy/lib/configproxy.js' {
  import type { EventEmitter } from 'node:events';
  import type { IncomingMessage, Server, ServerResponse } from 'node:http';
  import type { Duplex, Readable } from 'node:stream';

  interface ProxyLog {
    debug(...parts: unknown[]): void;
    info(...parts: unknown[]): void;
    warn(...parts: unknown[]): void;
    error(...parts: unknown[]): void;
  }
  interface Route {
    target: string;
    last_activity?: Date;
    [extra: string]: unknown;
  }
  interface TargetOptions {
    target: URL;
    buffer?: Readable;
    [option: string]: unknown;
  }
  type ErrorListener = (error: NodeJS.ErrnoException) => void;

  export class ConfigurableProxy {
    constructor(options: { authToken: string; log: ProxyLog; ws?: boolean });
    readonly apiServer: Server;
    readonly proxyServer: Server;
    /** http-proxy-3 */
    readonly proxy: EventEmitter & {
      web(request: IncomingMessage, response: ServerResponse, options: TargetOptions, onError: ErrorListener): void;
      ws(request: IncomingMessage, socket: Duplex, head: Buffer, options: TargetOptions, onError: ErrorListener): void;
    };
    readonly _routes: { getAll(): Promise<Record<string, Route>>; get(prefix: string): Promise<Route | undefined> };
    addRoute(prefix: string, route: Route): Promise<void>;
    removeRoute(prefix: string): Promise<void>;
    proxyOptsForTarget(target: URL): TargetOptions;
    updateLastActivity(prefix: string): Promise<void>;
  }
}
