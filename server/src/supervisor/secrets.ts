/** Secrets of the installation: made once, kept in one file that only the supervisor's uid can read. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../platform/postgres.js';
import { StartError } from './start-error.js';

export interface Secrets {
  /** API token of the Hub service "portal" */
  hubToken: string;
  /** between the Hub and the gateway's proxy API */
  proxyToken: string;
  /** names the folders of the capture sockets */
  captureKey: string;
  /** signs the lab host's cookie */
  cookieKey: string;
  ticketPrivateKey: JsonWebKey;
  ticketPublicKey: JsonWebKey;
  databasePasswords: { owner: string; portal: string; gateway: string; query: string };
}

type JsonWebKey = import('node:crypto').JsonWebKey;

/** @throws StartError where the file exists and can't be used: new secrets would lock the data out */
export function loadSecrets(data: string): Secrets {
  const directory = join(data, 'secrets');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, 'secrets.json');
  try {
    return parse(readFileSync(file, 'utf8'), file);
  } catch (error) {
    if (errorCode(error) === 'EACCES')
      throw new StartError(`${file} cannot be read; run the command as the user that runs "npm start".`);
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  const secrets = makeSecrets();
  writePrivateFile(file, JSON.stringify(secrets, null, 2));
  return secrets;
}

function parse(text: string, file: string): Secrets {
  try {
    const found: Partial<Secrets> = JSON.parse(text);
    const complete = Object.keys(makeSecrets()).every((key) => key in found);
    if (complete) return found as Secrets;
  } catch {}
  throw new StartError(
    `${file} is damaged; restore it from a backup, because the database opens only with its passwords.`,
  );
}

function makeSecrets(): Secrets {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const hex = () => randomBytes(32).toString('hex');
  return {
    hubToken: hex(),
    proxyToken: hex(),
    captureKey: hex(),
    cookieKey: hex(),
    ticketPrivateKey: privateKey.export({ format: 'jwk' }),
    ticketPublicKey: publicKey.export({ format: 'jwk' }),
    databasePasswords: { owner: hex(), portal: hex(), gateway: hex(), query: hex() },
  };
}

/** Durable before it counts: a power cut leaves the old file or the new one. */
export function writePrivateFile(file: string, text: string): void {
  const fresh = `${file}.new`;
  const handle = openSync(fresh, 'w', 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(fresh, file);
}
