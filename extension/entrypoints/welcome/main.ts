import { openStore } from '../../page/open-store.ts';
import { showPage } from '../../page/show-page.ts';
import App from './App.svelte';

showPage(App, { store: openStore() });
