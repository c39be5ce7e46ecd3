import type { PageContent } from './page-content.ts';

/** The key in `storage.session` of the request for the panel. */
export const PANEL_REQUEST = 'panelRequest';

/** What the user requested on a page, for the panel of its window. */
export interface PanelRequest {
  readonly windowId: number;
  /** The page; absent if it cannot be read, or the request is not about a page. */
  readonly page?: PageContent | undefined;
  /** Which part of the page is sent. */
  readonly kind: 'page' | 'selection';
  /** True if the request is about a page that cannot be read. */
  readonly isUnreadable: boolean;
  /** A question that is asked at once; absent if the user will type one. */
  readonly question?: string | undefined;
}
