/** A file of requests as a form takes it. */
import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';

/** It is read from the disk as it is sent, with its length ahead; a bare Blob would be dropped from the SDKs' forms. */
export async function openUploadFile(path: string): Promise<File> {
  return new File([await openAsBlob(path)], basename(path));
}
