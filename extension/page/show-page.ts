import { type Component, mount } from 'svelte';
import { keepFocus } from './focus-keeper.ts';
import { language, t } from './i18n.ts';

/** Draws a page in the user's language and its writing direction. */
export function showPage<P extends Record<string, unknown>>(page: Component<P>, props: P): void {
  const target = document.getElementById('app');
  if (target === null) throw new Error('Expected an element with the id "app" in the page.');
  document.documentElement.lang = language;
  document.documentElement.dir = t('direction');
  keepFocus(document, target);
  mount(page, { target, props });
}
