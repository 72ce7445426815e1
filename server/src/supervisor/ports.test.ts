import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { checkPorts, holdPort } from './ports.js';

const bind = '127.0.0.1';

it('names the taken port and its setting', async () => {
  const holder = createServer().listen(0, bind);
  await once(holder, 'listening');
  const address = holder.address();
  const taken = typeof address === 'object' && address !== null ? address.port : 0;
  const free = await holdPort(bind, 0);
  await expect(checkPorts({ bind, port: taken, labPort: free })).rejects.toThrow(
    new RegExp(`Port ${taken} of the portal is taken.*SHAPARAK_PORT`),
  );
  await expect(checkPorts({ bind, port: free, labPort: taken })).rejects.toThrow(
    new RegExp(`Port ${taken} of the lab is taken.*SHAPARAK_LAB_PORT`),
  );
  holder.close();
});

it('accepts free ports and leaves them free', async () => {
  const [port, labPort] = [await holdPort(bind, 0), await holdPort(bind, 0)];
  await checkPorts({ bind, port, labPort });
  await checkPorts({ bind, port, labPort });
});

it('refuses a port that only root may bind, because no service is root', async () => {
  await expect(checkPorts({ bind, port: 0, labPort: 0 })).rejects.toThrow(/reserved for root.*SHAPARAK_PORT/);
});

it('refuses an address that is not of this machine', async () => {
  const port = await holdPort(bind, 0);
  await expect(checkPorts({ bind: '192.0.2.1', port, labPort: port })).rejects.toThrow(/SHAPARAK_BIND/);
});
