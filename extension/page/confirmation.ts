/** A question before something is deleted that cannot be restored. */
export interface Confirmation {
  readonly title: string;
  readonly text: string;
  /** The label of the button that deletes. */
  readonly label: string;
  /** The label of the button that does not; "Cancel" unless given. */
  readonly cancelLabel?: string;
  readonly run: () => void;
}
