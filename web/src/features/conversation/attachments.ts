/** Files that go with a message, read in the browser; the limits are the server's, said before anything is sent. */
import type { NewAttachment } from "@/api/types";

const MIB = 1024 * 1024;
const IMAGES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const MAX_FILES = 10;
const MAX_IMAGE_BYTES = 5 * MIB;
const MAX_FILE_BYTES = 10 * MIB;
const MAX_TOGETHER_BYTES = 16 * MIB;

export interface PickedFile {
  name: string;
  mediaType: string;
  bytes: number;
  file: File;
}

/** Returns what can be attached besides what is there already, and why the rest cannot. */
export function admit(
  before: readonly PickedFile[],
  files: readonly File[],
): { picked: PickedFile[]; refused: string[] } {
  const picked: PickedFile[] = [];
  const refused: string[] = [];
  let together = before.reduce((sum, one) => sum + one.bytes, 0);
  for (const file of files) {
    const mediaType = /^[a-z0-9.+-]+\/[a-z0-9.+-]+$/.test(file.type) ? file.type : "application/octet-stream";
    const limit = IMAGES.includes(mediaType) ? MAX_IMAGE_BYTES : MAX_FILE_BYTES;
    if (before.length + picked.length >= MAX_FILES)
      refused.push(`${file.name}: at most ${MAX_FILES} files go with a message.`);
    else if (file.size > limit)
      refused.push(`${file.name} has ${mib(file.size)}; at most ${mib(limit)} can be attached.`);
    else if (together + file.size > MAX_TOGETHER_BYTES)
      refused.push(`${file.name}: together at most ${mib(MAX_TOGETHER_BYTES)} can be attached.`);
    else {
      picked.push({ name: file.name.replaceAll("/", "_") || "file", mediaType, bytes: file.size, file });
      together += file.size;
    }
  }
  return { picked, refused };
}

export async function encode(picked: PickedFile): Promise<NewAttachment> {
  const url = await new Promise<string>((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(new Error(`${picked.name} could not be read.`));
    reader.readAsDataURL(picked.file);
  });
  return { name: picked.name, media_type: picked.mediaType, data: url.slice(url.indexOf(",") + 1) };
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(bytes % MIB === 0 ? 0 : 1)} MiB`;
}
