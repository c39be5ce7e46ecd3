/** The key in `storage.session` of the origin for which the user is being asked. */
export const PENDING_GRANT = 'pendingGrant';
