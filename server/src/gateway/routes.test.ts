import { describe, expect, test } from 'vitest';
import { decideRoute } from './routes.js';

const kernel = '11111111-2222-4333-8444-555555555555';
const u = '/user/ann';

// What JupyterLab 4.6 asks for in a browser.
const allowed: [method: string, target: string, kind: string][] = [
  ['GET', `${u}/lab`, 'page'],
  ['GET', `${u}/lab?reset`, 'page'],
  ['HEAD', `${u}/lab`, 'page'],
  ['GET', `${u}/lab/tree/reports/a%20b.ipynb`, 'page'],
  ['GET', `${u}/lab/tree/%DA%AF%D8%B2%D8%A7%D8%B1%D8%B4.ipynb`, 'page'],
  ['GET', `${u}/lab/workspaces/auto-k`, 'page'],
  ['GET', `${u}/lab/workspaces/auto-k/tree/a.ipynb`, 'page'],
  ['GET', `${u}/static/lab/jlab_core.8811dd2733d03721.js?v=8811dd2733d03721`, 'asset'],
  ['GET', `${u}/static/favicons/favicon-busy-1.ico`, 'asset'],
  ['GET', `${u}/lab/extensions/shaparak-banner/static/remoteEntry.a1.js`, 'asset'],
  ['GET', `${u}/lab/api/themes/@jupyterlab/theme-light-extension/index.css`, 'asset'],
  ['GET', `${u}/kernelspecs/python3/logo-svg.svg`, 'asset'],
  ['GET', `${u}/custom/custom.css`, 'asset'],
  ['GET', `${u}/favicon.ico`, 'asset'],
  ['GET', `${u}/lab/api/settings?ids_only=true&1795435263000`, 'api'],
  ['GET', `${u}/lab/api/settings/@jupyterlab/notebook-extension:panel`, 'api'],
  ['PUT', `${u}/lab/api/settings/@jupyterlab/apputils-extension:themes`, 'api'],
  ['GET', `${u}/lab/api/translations/fa_IR`, 'api'],
  ['PUT', `${u}/lab/api/workspaces/default`, 'api'],
  ['GET', `${u}/api/me?1795435263000`, 'api'],
  ['GET', `${u}/api/status`, 'api'],
  ['GET', `${u}/api/resolvePath?path=%2Fa.py&kernel=${kernel}&1795558125174`, 'api'],
  ['GET', `${u}/api/kernelspecs?1`, 'api'],
  ['GET', `${u}/api/contents?content=1&hash=0&1795435263000`, 'api'],
  ['GET', `${u}/api/contents/a.ipynb?type=notebook&content=1&hash=1&contentProviderId=undefined`, 'api'],
  ['GET', `${u}/api/contents/plot.png?type=file&format=base64&content=1`, 'api'],
  ['PUT', `${u}/api/contents/100%25.ipynb`, 'api'],
  ['PATCH', `${u}/api/contents/a.ipynb`, 'api'],
  ['DELETE', `${u}/api/contents/a.ipynb`, 'api'],
  ['POST', `${u}/api/contents`, 'api'],
  ['POST', `${u}/api/contents/a.ipynb/checkpoints`, 'api'],
  ['GET', `${u}/api/kernels`, 'api'],
  ['POST', `${u}/api/kernels`, 'kernel-start'],
  ['DELETE', `${u}/api/kernels/${kernel}`, 'kernel-end'],
  ['POST', `${u}/api/kernels/${kernel}/interrupt`, 'kernel-interrupt'],
  ['POST', `${u}/api/kernels/${kernel}/restart`, 'kernel-restart'],
  ['POST', `${u}/api/sessions`, 'session-start'],
  ['PATCH', `${u}/api/sessions/${kernel}`, 'session-change'],
  ['DELETE', `${u}/api/sessions/${kernel}`, 'session-end'],
  ['UPGRADE', `${u}/api/kernels/${kernel}/channels?session_id=${kernel}`, 'kernel-channels'],
  ['UPGRADE', `${u}/api/events/subscribe`, 'events'],
];

// Closed doors, and the tricks that would open them if paths were compared carelessly.
const refused: [method: string, target: string, reason: string][] = [
  ['GET', `${u}/files/a.ipynb`, 'route'],
  ['GET', `${u}/files/a.ipynb?download=1`, 'route'],
  ['GET', `${u}/view/a.ipynb`, 'route'],
  ['GET', `${u}/nbconvert/html/a.ipynb?download=true`, 'route'],
  ['GET', `${u}/api/nbconvert`, 'route'],
  ['GET', `${u}/api/terminals`, 'route'],
  ['GET', `${u}/api/resolvePath?path=a&token=x`, 'query'],
  ['POST', `${u}/api/terminals`, 'route'],
  ['UPGRADE', `${u}/terminals/websocket/1`, 'route'],
  ['GET', `${u}/terminals/1`, 'route'],
  ['GET', `${u}/lsp/status`, 'route'],
  ['UPGRADE', `${u}/lsp/ws/pylsp`, 'route'],
  ['POST', `${u}/api/shutdown`, 'route'],
  ['GET', `${u}/metrics`, 'route'],
  ['GET', `${u}/api/spec.yaml`, 'route'],
  ['GET', `${u}/api/config/notebook`, 'route'],
  ['GET', `${u}/lab/api/extensions`, 'route'],
  ['POST', `${u}/lab/api/plugins`, 'route'],
  ['GET', `${u}/lab/api/news`, 'route'],
  ['GET', `${u}/tree`, 'route'],
  ['GET', `${u}/doc/tree/a.ipynb`, 'route'],
  ['GET', `${u}/login`, 'route'],
  ['GET', `${u}/logout`, 'route'],
  ['GET', `${u}/oauth_callback?code=x&state=y`, 'route'],
  ['GET', '/hub/home', 'route'],
  ['GET', '/hub/api/users', 'route'],
  ['GET', '/services/portal', 'route'],
  ['GET', u, 'route'],
  ['GET', '/', 'path'],
  ['PUT', `${u}/lab`, 'route'],
  ['DELETE', `${u}/api/contents`, 'route'],
  ['PUT', `${u}/api/kernels/${kernel}`, 'route'],
  ['GET', `${u}/api/kernels/${kernel}/channels`, 'route'],
  ['POST', `${u}/api/kernels/${kernel}/execute`, 'route'],
  ['GET', `${u}/api/kernels/${kernel.toUpperCase().replace('1', 'A')}`, 'route'],
  ['GET', `${u}/api/kernels/x`, 'route'],
  ['POST', `${u}/api/contents/a.ipynb/trust`, 'route'],
  ['POST', `${u}/api/contents/a.ipynb/TRUST`, 'route'],
  ['POST', `${u}/api/contents/a.ipynb/%74rust`, 'route'],
  ['TRACE', `${u}/lab`, 'route'],
  ['get', `${u}/lab`, 'route'],
  ['GET', `${u}/LAB`, 'route'],
  ['GET', `${u}/Files/a`, 'route'],
  ['GET', `${u}/%6cab`, 'route'],
  ['GET', `${u}/api/%74erminals`, 'route'],
  ['GET', `${u}/%66iles/a`, 'route'],
  ['GET', `${u}//lab`, 'path'],
  ['GET', `/user//ann/lab`, 'path'],
  ['GET', `//user/ann/lab`, 'path'],
  ['GET', `${u}/lab/`, 'path'],
  ['GET', `${u}/static/../files/a`, 'path'],
  ['GET', `${u}/static/./a`, 'path'],
  ['GET', `${u}/static/%2e%2e/files/a`, 'path'],
  ['GET', `${u}/static/%2E%2E%2Ffiles/a`, 'path'],
  ['GET', `${u}/static/..%2ffiles/a`, 'path'],
  ['GET', `${u}/static/.%2e/files/a`, 'path'],
  ['GET', `${u}/static/%252e%252e/files`, 'path'],
  ['GET', `${u}/api/contents/a%2fb`, 'path'],
  ['GET', `${u}/api/contents/a%5cb`, 'path'],
  ['GET', `${u}/api/contents/a\\b`, 'path'],
  ['GET', `${u}/api/contents/a%00.ipynb`, 'path'],
  ['GET', `${u}/api/contents/a%0d%0ab`, 'path'],
  ['GET', `${u}/api/contents/%ff`, 'path'],
  ['GET', `${u}/api/contents/%zz`, 'path'],
  ['GET', `${u}/lab;x=1`, 'path'],
  ['GET', `${u}/lab/tree/a;/../files`, 'path'],
  ['GET', `${u}/lab#x`, 'path'],
  ['GET', `/user/ann%2f..%2fbob/lab`, 'path'],
  ['GET', `/user/%61nn/lab`, 'path'],
  ['GET', `/user/ANN/lab`, 'path'],
  ['GET', `/user/../hub/home`, 'path'],
  ['GET', `http://127.0.0.1:8002${u}/lab`, 'path'],
  ['GET', '*', 'path'],
  ['GET', '', 'path'],
  ['GET', `${u}/lab/tree/${'a'.repeat(5000)}`, 'path'],
  ['GET', `${u}/lab?token=abc`, 'query'],
  ['GET', `${u}/lab?TOKEN=abc`, 'query'],
  ['GET', `${u}/lab?%74oken=abc`, 'query'],
  ['GET', `${u}/api/contents/a.ipynb?download=1`, 'query'],
  ['GET', `${u}/api/contents/a.ipynb?content=1&as=html`, 'query'],
  ['UPGRADE', `${u}/api/kernels/${kernel}/channels?token=abc`, 'query'],
];

describe('the allow-list', () => {
  test.each(allowed)('lets %s %s through', (method, target, kind) => {
    expect(decideRoute(method, target)).toMatchObject({ verdict: 'allowed', kind, username: 'ann' });
  });

  test.each(refused)('refuses %s %s', (method, target, reason) => {
    expect(decideRoute(method, target)).toMatchObject({ verdict: 'refused', reason });
  });

  test('gives the kernel that a WebSocket is for', () => {
    const decision = decideRoute('UPGRADE', `${u}/api/kernels/${kernel}/channels`);
    expect(decision).toMatchObject({ captured: [kernel] });
  });

  test('names whose lab a refused route is, so that a foreign one is told as such', () => {
    expect(decideRoute('GET', '/user/bob/files/a')).toMatchObject({ verdict: 'refused', username: 'bob' });
  });
});
