/** Paths of the icons, drawn as lines on a ground of 16 by 16. */
export const ICONS = {
  chat: 'M2.500 4.500a2 2 0 0 1 2-2h7a2 2 0 0 1 2 2v5a2 2 0 0 1-2 2H7l-3 2.500v-2.500a1.500 1.500 0 0 1-1.500-1.500z',
  settings:
    'M2 4.500h6m4 0h2M2 11.500h2m4 0h6M10 2.750a1.750 1.750 0 1 1 0 3.500a1.750 1.750 0 0 1 0-3.500M6 9.750a1.750 1.750 0 1 1 0 3.500a1.750 1.750 0 0 1 0-3.500',
  download: 'M8 2v8m-3.500-3L8 10.500 11.500 7M2.500 13.500h11',
  pause: 'M5.500 3.500v9m5-9v9',
  resume: 'M5 3.250v9.500L12.500 8z',
  cancel: 'm4 4 8 8m0-8-8 8',
  stop: 'M4 4h8v8H4z',
  trash: 'M2.500 4.500h11M6 4.500v-2h4v2m-5.500 0 .500 9h6l.500-9',
  copy: 'M5.500 5.500h8v8h-8zM3.500 10.500h-1v-8h8v1',
  search: 'M7 2.500a4.500 4.500 0 1 1 0 9 4.500 4.500 0 0 1 0-9m3.250 7.750L13.500 13.500',
  check: 'm3 8.500 3.500 3.500L13 4.500',
  warning: 'M8 2 14.500 13.500h-13zm0 4.500v3m0 2v.010',
  send: 'M8 13V3M4 7l4-4 4 4',
  list: 'M2.500 4h11M2.500 8h11M2.500 12h7',
  plus: 'M8 3v10M3 8h10',
} as const;

/** The name of an icon. */
export type IconName = keyof typeof ICONS;
