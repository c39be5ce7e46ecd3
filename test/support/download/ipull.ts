/**
 * A peer of the download benchmark: ipull with its defaults. Arguments: URL of the package, URL of the file, folder,
 * file name.
 */
const [, , module = '', url = '', directory = '', fileName = ''] = process.argv;
const { downloadFile } = (await import(module)) as {
  downloadFile(options: object): Promise<{ download(): Promise<void> }>;
};
const downloader = await downloadFile({ url, directory, fileName, cliProgress: false });
await downloader.download();
