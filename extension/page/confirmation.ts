/** A question before something that cannot be undone. */
export interface Confirmation {
  readonly title: string;
  readonly text: string;
  /** The label of the button that does it. */
  readonly label: string;
  /** False if nothing is deleted. */
  readonly isDangerous?: boolean;
  /** The label of the button that does not; "Cancel" unless given. */
  readonly cancelLabel?: string;
  readonly run: () => void;
}
