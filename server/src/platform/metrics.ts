/** Prometheus metrics of one process, made by its composition and handed down. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics(service: string) {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    requests: new Histogram({
      name: 'shaparak_http_request_seconds',
      help: 'Time to answer, by route and status',
      labelNames: ['route', 'method', 'status'],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    }),
    observations: new Counter({
      name: 'shaparak_observations_total',
      help: 'Records of sensors by what became of them',
      labelNames: ['outcome'],
      registers,
    }),
    liveStreams: new Gauge({ name: 'shaparak_live_streams', help: 'Open live streams', registers }),
    searchUsers: new Gauge({ name: 'shaparak_search_users', help: 'People whose code is in memory', registers }),
    searchBytes: new Gauge({ name: 'shaparak_search_bytes', help: 'Memory that the search holds', registers }),
  };
}
