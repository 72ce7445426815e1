import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  base: '/portal/',
  plugins: [react()],
  build: {
    // Lightning CSS rewrites light-dark() away for older targets and the colours of the dark scheme vanish
    // (seen in the production build only), so the targets are the first browsers that know it.
    cssTarget: ['chrome123', 'firefox121', 'safari17.5'],
    // an inlined asset would be a data: address, which the content security policy refuses
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
