/** Argon2id with OWASP's first recommendation (19 MiB, 2 passes, 1 lane): the library's default algorithm is Argon2id. */
import { hash, verify } from '@node-rs/argon2';

const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

export const hashPassword = (password: string): Promise<string> => hash(password.toWellFormed(), parameters);

/** False for a wrong password and for a hash that is none. */
export async function verifyPassword(passwordHash: string, password: string): Promise<boolean> {
  try {
    return await verify(passwordHash, password.toWellFormed());
  } catch {
    return false;
  }
}
