// Sets language, direction and colour scheme before the first paint, so that nothing flips or flashes.
// A file of its own because the content security policy allows no inline script.
(() => {
  const read = (key) => {
    try {
      return window.localStorage.getItem(key);
    } catch {
      return null; // storage is closed to us: the defaults stand
    }
  };
  const root = document.documentElement;
  if (read('shaparak-language') === 'en') {
    root.lang = 'en';
    root.dir = 'ltr';
  }
  const chosen = read('shaparak-color-scheme');
  const dark = chosen === 'dark' || (chosen !== 'light' && window.matchMedia('(prefers-color-scheme: dark)').matches);
  root.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
})();
