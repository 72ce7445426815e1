import type { api } from '@shaparak/contract';
import { IconActivityHeartbeat, IconHistory, IconHome, IconShieldCheck, IconUsers } from '@tabler/icons-react';
import type { TextKey } from '../text/fa';
import { canOversee } from './who-am-i';

export interface Destination {
  to: '/' | '/history' | '/admin/users' | '/admin/system' | '/admin/coverage';
  text: TextKey;
  Icon: typeof IconHome;
}

const OWN: Destination[] = [
  { to: '/', text: 'nav.home', Icon: IconHome },
  { to: '/history', text: 'nav.history', Icon: IconHistory },
];
const OVERSIGHT: Destination[] = [
  { to: '/admin/users', text: 'nav.users', Icon: IconUsers },
  { to: '/admin/system', text: 'nav.system', Icon: IconActivityHeartbeat },
  { to: '/admin/coverage', text: 'nav.coverage', Icon: IconShieldCheck },
];

/** Where this role can go; the server decides again on each request. */
export function destinations(role: api.Role): { own: Destination[]; oversight: Destination[] } {
  return { own: OWN, oversight: canOversee(role) ? OVERSIGHT : [] };
}
