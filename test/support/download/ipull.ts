/** A peer of the download benchmark: ipull with its defaults. Arguments: the package, the address, folder and name. */
const [, , module = '', url = '', directory = '', fileName = ''] = process.argv;
const { downloadFile } = (await import(module)) as {
  downloadFile(options: object): Promise<{ download(): Promise<void> }>;
};
const downloader = await downloadFile({ url, directory, fileName, cliProgress: false });
await downloader.download();
