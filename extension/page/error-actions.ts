import { browser } from 'wxt/browser';
import type { ErrorAction, ErrorView } from './error-view.ts';
import { CONTEXT_SIZES } from './fit.ts';
import { type MessageKey, plural, t } from './i18n.ts';
import { openModels, openOptions } from './open-pages.ts';
import type { Store } from './store.svelte.ts';
import { verifyModel } from './verify-model.ts';

/** What a place that shows an error can do about it. */
export interface ErrorContext {
  readonly store: Store;
  readonly modelId: string | undefined;
  readonly onretry: (() => void) | undefined;
  readonly onloadsettings: (() => void) | undefined;
  readonly onnewchat: (() => void) | undefined;
}

/** A button beside an error. */
export interface ErrorButton {
  readonly label: string;
  readonly run: () => void;
}

/** Returns the buttons that help against an error, the most useful first. */
export function errorButtons(error: ErrorView, context: ErrorContext): ErrorButton[] {
  const { store, modelId, onretry, onloadsettings, onnewchat } = context;
  const forModel = (make: (id: string) => ErrorButton) => (modelId === undefined ? undefined : make(modelId));
  const onModel = (label: MessageKey, action: 'LOAD_MODEL' | 'UNLOAD_MODEL' | 'DOWNLOAD_MODEL') =>
    forModel((id) => ({ label: t(label), run: () => void store.act(action, id) })) ?? {
      label: t('models'),
      run: () => openModels(),
    };
  const buttons: Record<ErrorAction, () => ErrorButton | undefined> = {
    addToken: () => ({ label: t('tokenAdd'), run: () => openOptions('hub') }),
    diagnostics: () => ({ label: t('diagnostics'), run: () => openOptions('diagnostics') }),
    download: () => onModel('download', 'DOWNLOAD_MODEL'),
    engines: () => ({ label: t('engines'), run: () => openOptions('engines') }),
    freeSpace: () => ({ label: t('storageFreeUp'), run: () => openOptions('storage') }),
    load: () => onModel('load', 'LOAD_MODEL'),
    reloadLonger: () => {
      const size = contextFor(error.promptTokens);
      if (size === undefined) return buttons.loadSettings();
      return forModel((id) => ({
        label: t('reloadWith', plural('tokens', size)),
        run: () => void store.reload(id, size),
      }));
    },
    loadSettings: () =>
      onloadsettings === undefined
        ? forModel((id) => ({ label: t('openSettings'), run: () => openModels(id) }))
        : { label: t('openSettings'), run: onloadsettings },
    models: () => ({ label: t('models'), run: () => openModels() }),
    newChat: () => (onnewchat === undefined ? undefined : { label: t('newChat'), run: onnewchat }),
    openTerms: () =>
      error.termsUrl === undefined
        ? undefined
        : { label: t('openTerms'), run: () => void browser.tabs.create({ url: error.termsUrl }) },
    retry: () => (onretry === undefined ? undefined : { label: t('retry'), run: onretry }),
    searchModels: () => ({ label: t('search'), run: () => openModels() }),
    unload: () => onModel('unload', 'UNLOAD_MODEL'),
    verify: () => forModel((id) => ({ label: t('verify'), run: () => void verifyModel(store, id) })),
  };
  return error.actions.flatMap((action) => buttons[action]() ?? []);
}

/** Share of the context that a prompt may fill. The rest is for the answer. */
const PROMPT_SHARE = 0.75;

/** Returns the context length to load for a prompt; undefined if none is long enough, or the length is not known. */
function contextFor(promptTokens: number | undefined): number | undefined {
  return promptTokens && CONTEXT_SIZES.find((size) => promptTokens <= size * PROMPT_SHARE);
}
