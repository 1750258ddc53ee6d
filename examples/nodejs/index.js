// Draws an SVG as a PNG with sharp: a dependency whose native code comes ready-made from npm, in a separate package for each system.
import sharp from 'sharp';

export const handler = async ({ svg, width }) => {
  const { data, info } = await sharp(Buffer.from(svg)).resize({ width }).png().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, png: data.toString('base64') };
};
