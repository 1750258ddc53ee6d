# interpreter.rb FOLDER: copies this Ruby below FOLDER: the program to var/lang/bin, the rest to where the program looks for it. Writes the
# folders of its own gems to var/lang/gem-path. Run in the builder stage.
require 'fileutils'
require 'rbconfig'
require 'rubygems'

top = ARGV.fetch(0)
FileUtils.mkdir_p("#{top}/var/lang/bin")
FileUtils.cp(File.realpath(RbConfig.ruby), "#{top}/var/lang/bin/ruby")

gems = ([Gem.default_dir] + Gem.path).uniq.select { |folder| File.directory?(folder) }
File.write("#{top}/var/lang/gem-path", "#{gems.join(':')}\n")

# Outer folders first.
folders = ($LOAD_PATH.map(&:to_s) + gems).uniq.select { |folder| File.directory?(folder) }
folders.sort_by(&:length).each do |folder|
  into = top + folder
  next if File.exist?(into)

  FileUtils.mkdir_p(into)
  system('cp', '-R', "#{folder}/.", into, exception: true)
  # A link may lead out of the copied folders, or nowhere, as links of the documentation do.
  Dir.glob("#{into}/**/*", File::FNM_DOTMATCH).select { |path| File.symlink?(path) }.each do |link|
    original = link.delete_prefix(top)
    File.unlink(link)
    system('cp', '-RL', original, link, exception: true) if File.exist?(original)
  end
end
