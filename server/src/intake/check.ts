/** Validates records one by one against the contract, so that a bad one never costs its neighbours. */
import { capture } from '@shaparak/contract';
import { Compile } from 'typebox/compile';

export type Checked = { kind: 'valid'; observation: capture.Observation } | { kind: 'invalid'; reason: string };

const validators = new Map(
  Object.entries(capture.observationTypes).map(([type, schema]) => [type, Compile(schema)] as const),
);
const deliveryValidator = Compile(capture.Delivery);
const refusedValidator = Compile(capture.RefusedDelivery);

export function checkObservation(raw: unknown): Checked {
  const type = typeof raw === 'object' && raw !== null && 'type' in raw ? String(raw.type).slice(0, 100) : null;
  if (type === null) return { kind: 'invalid', reason: 'not an observation' };
  const validator = validators.get(type);
  // A sensor newer than this intake: kept in quarantine until an intake that knows the type replays it.
  if (!validator) return { kind: 'invalid', reason: `unknown type ${type}` };
  if (validator.Check(raw)) return { kind: 'valid', observation: raw as capture.Observation };
  const [first] = validator.Errors(raw);
  return { kind: 'invalid', reason: `${first?.instancePath ?? ''} ${first?.message ?? 'does not fit'}`.trim() };
}

/** The sequence number of any record that carries a usable one, valid or not. */
export function sequenceOf(raw: unknown): number | null {
  if (typeof raw !== 'object' || raw === null || !('sequence' in raw)) return null;
  const { sequence } = raw;
  return typeof sequence === 'number' && Number.isSafeInteger(sequence) && sequence >= 1 ? sequence : null;
}

/** @returns null where the body is no delivery at all */
export function checkDelivery(body: unknown): capture.Delivery | null {
  return deliveryValidator.Check(body) ? (body as capture.Delivery) : null;
}

export function checkRefused(body: unknown): capture.RefusedDelivery | null {
  return refusedValidator.Check(body) ? (body as capture.RefusedDelivery) : null;
}
