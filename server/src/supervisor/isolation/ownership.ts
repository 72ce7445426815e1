/**
 * A machine that gains or loses bubblewrap changes who the Hub is: root with jails, a uid of its own without. What it and
 * its servers wrote before must follow. Towards jails, the Hub itself gives each home to its user's uid.
 */
import { lchownSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Gives a folder with all below it to one uid; the folder itself last, so that a killed start does it again. */
function giveTree(path: string, uid: number): void {
  const state = lstatSync(path, { throwIfNoEntry: false });
  if (state === undefined || (state.isDirectory() && state.uid === uid)) return;
  // Links are never followed: users made these trees.
  if (state.isDirectory()) for (const name of readdirSync(path)) giveTree(join(path, name), uid);
  lchownSync(path, uid, uid);
}

/** @param owner uid of the Hub; 0 with jails */
export function giveToHub(data: string, owner: number): void {
  const hub = join(data, 'hub');
  if (lstatSync(hub, { throwIfNoEntry: false }) !== undefined)
    for (const name of readdirSync(hub)) giveTree(join(hub, name), owner);
  const users = join(data, 'users');
  if (lstatSync(users, { throwIfNoEntry: false }) === undefined) return;
  for (const name of readdirSync(users)) {
    if (owner === 0) lchownSync(join(users, name), 0, 0);
    else giveTree(join(users, name), owner);
  }
}
