import { browser } from 'wxt/browser';
import type { ErrorAction, ErrorView } from './error-view.ts';
import type { MessageKey } from './i18n.ts';
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
  readonly label: MessageKey;
  readonly run: () => void;
}

/** Returns the button that helps against an error; undefined where nothing does, or not from this place. */
export function errorButton(error: ErrorView, context: ErrorContext): ErrorButton | undefined {
  const { store, modelId, onretry, onloadsettings, onnewchat } = context;
  const forModel = (make: (id: string) => ErrorButton) => (modelId === undefined ? undefined : make(modelId));
  const onModel = (label: MessageKey, action: 'LOAD_MODEL' | 'UNLOAD_MODEL' | 'DOWNLOAD_MODEL') =>
    forModel((id) => ({ label, run: () => void store.act(action, id) })) ?? {
      label: 'models' as const,
      run: () => openModels(),
    };
  const buttons: Record<ErrorAction, () => ErrorButton | undefined> = {
    addToken: () => ({ label: 'tokenAdd', run: () => openOptions('hub') }),
    diagnostics: () => ({ label: 'diagnostics', run: () => openOptions('diagnostics') }),
    download: () => onModel('download', 'DOWNLOAD_MODEL'),
    freeSpace: () => ({ label: 'storageFreeUp', run: () => openOptions('storage') }),
    load: () => onModel('load', 'LOAD_MODEL'),
    loadSettings: () =>
      onloadsettings === undefined
        ? forModel((id) => ({ label: 'openSettings', run: () => openModels(id) }))
        : { label: 'openSettings', run: onloadsettings },
    models: () => ({ label: 'models', run: () => openModels() }),
    newChat: () => (onnewchat === undefined ? undefined : { label: 'newChat', run: onnewchat }),
    openTerms: () =>
      error.termsUrl === undefined
        ? undefined
        : { label: 'openTerms', run: () => void browser.tabs.create({ url: error.termsUrl }) },
    retry: () => (onretry === undefined ? undefined : { label: 'retry', run: onretry }),
    searchModels: () => ({ label: 'search', run: () => openModels() }),
    unload: () => onModel('unload', 'UNLOAD_MODEL'),
    verify: () => forModel((id) => ({ label: 'verify', run: () => void verifyModel(store, id) })),
  };
  return error.action && buttons[error.action]();
}
