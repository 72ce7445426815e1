/** Users and deliveries for tests. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { capture } from '@shaparak/contract';
import type { Database } from '../src/platform/postgres.js';

export async function makeUser(owner: Database, username: string, role = 'analyst'): Promise<number> {
  const [row] = await owner<{ id: number }[]>`
    insert into users (username, role, digest_key) values (${username}, ${role}, ${randomBytes(32)}) returning id`;
  if (!row) throw new Error('no user');
  return row.id;
}

/** A sensor that numbers its own records. */
export class FakeSensor {
  readonly sensor: capture.Sensor;
  private sequence = 0;

  constructor(
    kernelId: string = randomUUID(),
    startedAt = '2026-11-23T08:00:00.000000Z',
    kind: capture.Sensor['kind'] = 'kernel',
  ) {
    this.sensor = {
      kind,
      instance: randomUUID(),
      version: '0.1.0',
      kernel_id: kernelId,
      language: 'python',
      started_at: startedAt,
    };
  }

  private head(at: string) {
    this.sequence += 1;
    return { sequence: this.sequence, observed_at: at };
  }

  started(msgId: string, code: string, at = '2026-11-23T08:00:01.000000Z'): capture.Observation {
    return {
      ...this.head(at),
      type: 'execution_started',
      msg_id: msgId,
      client_session: 's',
      cell_id: 'c1',
      notebook_path: 'a.ipynb',
      cell_number: 1,
      code,
      silent: false,
      store_history: true,
    };
  }

  finished(
    msgId: string,
    change: Partial<capture.ExecutionFinished> = {},
    at = '2026-11-23T08:00:02.000000Z',
  ): capture.Observation {
    return {
      ...this.head(at),
      type: 'execution_finished',
      msg_id: msgId,
      client_session: 's',
      outcome: 'success',
      cell_number: 1,
      duration_us: 12_345,
      error_name: null,
      error_message: null,
      ...change,
    };
  }

  other(type: 'sensor_stopped'): capture.Observation {
    return { ...this.head('2026-11-23T08:00:03.000000Z'), type };
  }

  /** the first record of a wire sensor */
  describes(expectsKernelSensor = true): capture.Observation {
    const about = {
      notebook_path: 'a.ipynb',
      saw_start: true,
      spec: 'python3',
      expects_kernel_sensor: expectsKernelSensor,
    };
    return { ...this.head('2026-11-23T08:00:00.000000Z'), type: 'sensor_started', ...about };
  }

  notRun(msgId: string, code = 'never()'): capture.Observation {
    return {
      ...this.head('2026-11-23T08:00:03.000000Z'),
      type: 'execution_not_run',
      msg_id: msgId,
      client_session: 's',
      cell_id: null,
      notebook_path: null,
      code,
      reason: 'aborted',
    };
  }

  delivery(...observations: unknown[]): capture.Delivery {
    return { sensor: this.sensor, observations };
  }

  /** The same records as the gateway's sensor tells them. */
  static asSeenByWire(delivery: capture.Delivery): capture.Delivery {
    return { ...delivery, sensor: { ...delivery.sensor, kind: 'wire', instance: randomUUID() } };
  }
}
