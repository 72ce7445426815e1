/** What setup/prepare.mjs found and made; it writes this file, the supervisor and the command line read it. */
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StartError } from './start-error.js';

export interface Installation {
  checkout: string;
  home: string;
  /** durable: database, secrets, homes, logs */
  data: string;
  /** what services execute: the checkout, or a copy that their uids can reach */
  runtime: string;
  node: string;
  /** Python environment of the Hub and the user servers */
  environment: string;
}

const keys = ['checkout', 'home', 'data', 'runtime', 'node', 'environment'] as const;

/** @throws StartError where there is no installation yet */
export function readInstallation(file: string): Installation {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new StartError(`There is no installation at ${dirname(file)} yet; run "npm start" once.`);
  }
  const found: Partial<Record<string, unknown>> = JSON.parse(text);
  for (const key of keys)
    if (typeof found[key] !== 'string')
      throw new StartError(`${file} lacks "${key}"; run "npm start" to write it anew.`);
  return found as unknown as Installation;
}

/** The installation that belongs to SHAPARAK_HOME, else to the checkout that this file was built in. */
export function findInstallation(home: string | null): string {
  if (home !== null) return join(resolve(home), 'installation.json');
  const checkout = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
  return join(checkout, '.shaparak', 'installation.json');
}
