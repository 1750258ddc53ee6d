# interpreter.rb FOLDER: copies this Ruby below FOLDER, the program to var/lang/bin, the rest to where the program looks for it. Run in
# the builder stage.
require 'fileutils'
require 'rbconfig'
require 'rubygems'

top = ARGV.fetch(0)
FileUtils.mkdir_p("#{top}/var/lang/bin")
FileUtils.cp(File.realpath(RbConfig.ruby), "#{top}/var/lang/bin/ruby")
folders = ($LOAD_PATH + [Gem.default_dir] + Gem.path).map(&:to_s).uniq.select { |folder| File.directory?(folder) }
folders.each do |folder|
  into = top + folder
  FileUtils.mkdir_p(File.dirname(into))
  # No link may lead out of what is copied.
  system('cp', '-RL', "#{folder}/.", into, exception: true) unless File.exist?(into)
end
Dir.glob("#{top}/**/{cache,doc}/**/*.{gem,ri}").each { |file| FileUtils.rm(file) }
