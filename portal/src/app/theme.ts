import { createTheme, type MantineColorsTuple } from '@mantine/core';

/** The upper wing of the butterfly. Shade 7 carries white text at 5.6 : 1 in both schemes. */
const wing: MantineColorsTuple = [
  '#e8faf5',
  '#cdf3e8',
  '#9be6d2',
  '#62d4b9',
  '#37c0a3',
  '#1ba78b',
  '#0f8f76',
  '#0a7561',
  '#085d4e',
  '#06463c',
];
/** Slate with a breath of green instead of Mantine's neutral greys. */
const dark: MantineColorsTuple = [
  '#e4ecee',
  '#c0ccd1',
  '#9dadb4',
  '#73858d',
  '#354650',
  '#27353d',
  '#18222a',
  '#0f171c',
  '#0b1216',
  '#070c0f',
];
const gray: MantineColorsTuple = [
  '#f6f9f9',
  '#eef3f3',
  '#e3eaeb',
  '#d5dfe0',
  '#bccaca',
  '#93a5a7',
  '#667a7d',
  '#4c5f62',
  '#2e3e41',
  '#16282b',
];

export const theme = createTheme({
  primaryColor: 'wing',
  primaryShade: { light: 7, dark: 7 },
  colors: { wing, dark, gray },
  black: '#16282b',
  fontFamily: "'Vazirmatn Variable', system-ui, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'Cascadia Code', 'JetBrains Mono', Menlo, 'DejaVu Sans Mono', monospace",
  headings: { fontFamily: "'Vazirmatn Variable', system-ui, sans-serif", fontWeight: '750' },
  defaultRadius: 'md',
  radius: { xs: '6px', sm: '8px', md: '10px', lg: '16px', xl: '24px' },
  cursorType: 'pointer',
  respectReducedMotion: true,
});
