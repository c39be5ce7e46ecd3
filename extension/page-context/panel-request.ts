import type { PageContent } from './page-content.ts';

/** The key in `storage.session` of what the panel is to do next. */
export const PANEL_REQUEST = 'panelRequest';

/** What the user chose on a page, for the panel of its window. */
export interface PanelRequest {
  readonly windowId: number;
  /** The page; absent if it cannot be read, or none is wanted. */
  readonly page?: PageContent | undefined;
  /** What of the page is sent. */
  readonly kind: 'page' | 'selection';
  /** True if a page was wanted that cannot be read. */
  readonly isUnreadable: boolean;
  /** A question that is asked at once; absent if the user will type one. */
  readonly question?: string | undefined;
}
