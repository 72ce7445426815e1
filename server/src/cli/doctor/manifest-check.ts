/** The sensor, its kernel spec, configuration and banner are still the files that the set-up installed. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bad, type Finding, good } from './finding.js';

const check = 'kernel sensor, kernel spec, banner';

/** setup/manifest.mjs wrote path → SHA-256 for each of them. */
export function checkManifest(environment: string): Finding {
  const remedy = `rm ${join(environment, '.wheel')} ${join(environment, '.banner')} && npm start`;
  let manifest: Record<string, string>;
  try {
    manifest = JSON.parse(readFileSync(join(environment, '.manifest.json'), 'utf8'));
  } catch {
    return bad(check, 'the list of installed files is missing', remedy);
  }
  const wrong = Object.entries(manifest).flatMap(([path, digest]) => {
    const found = digestOf(join(environment, path));
    if (found === digest) return [];
    return [`${path} is ${found === null ? 'missing' : 'changed'}`];
  });
  if (wrong.length === 0) return good(check, `${Object.keys(manifest).length} files as they were installed`);
  return bad(check, wrong.slice(0, 3).join(', ') + (wrong.length > 3 ? ` and ${wrong.length - 3} more` : ''), remedy);
}

function digestOf(path: string): string | null {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch {
    return null;
  }
}
