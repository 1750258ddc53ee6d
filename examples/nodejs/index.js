// Draws an SVG as a PNG with sharp: a dependency whose native code comes ready from npm, for each system in a package of its own.
import sharp from 'sharp';

export const handler = async ({ svg, width }) => {
  const { data, info } = await sharp(Buffer.from(svg)).resize({ width }).png().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, png: data.toString('base64') };
};
