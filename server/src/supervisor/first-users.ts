/** test_user and admin exist from the first start on; their passwords are shown once, or come from the environment. */
import { randomBytes } from 'node:crypto';
import type { Config } from '../config.js';
import { addUser, listUsers } from '../identity/index.js';
import { connectDirect, type DatabaseSettings } from '../platform/postgres.js';

export interface FirstUser {
  username: string;
  role: 'analyst' | 'administrator';
  /** null where the person chose it by the environment and knows it */
  generatedPassword: string | null;
}

/** @returns those that were made just now */
export async function makeFirstUsers(owner: DatabaseSettings, config: Config): Promise<FirstUser[]> {
  const wanted = [
    { username: 'test_user', role: 'analyst', password: config.testUserPassword },
    { username: 'admin', role: 'administrator', password: config.adminPassword },
  ] as const;
  const database = connectDirect(owner, { max: 1, applicationName: 'shaparak-start' });
  try {
    const present = new Set((await listUsers(database)).filter((user) => !user.imported).map((user) => user.username));
    const made: FirstUser[] = [];
    for (const { username, role, password } of wanted) {
      if (present.has(username)) continue;
      const generated = generatePassword();
      const { kind } = await addUser(database, { username, role, password: password ?? generated });
      if (kind !== 'exists') made.push({ username, role, generatedPassword: password === null ? generated : null });
    }
    return made;
  } finally {
    await database.end({ timeout: 2 });
  }
}

/** 96 bits in groups that a person can copy from one screen to another. */
export function generatePassword(): string {
  return (randomBytes(12).toString('hex').match(/.{6}/g) ?? []).join('-');
}
