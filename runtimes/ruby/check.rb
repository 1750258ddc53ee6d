# check.rb FILE[.CLASS].METHOD FOLDER: fails if the folder lacks the handler. Run in the builder stage; runs no code of the project.
handler, folder = ARGV

def wrong(text)
  abort "handler '#{ARGV[0]}': #{text}"
end

file, *rest = handler.split('.')
wrong('it must be FILE.METHOD or FILE.CLASS.METHOD') unless file && [1, 2].include?(rest.size)
path = File.join(folder, "#{file}.rb")
wrong("there is no file '#{file}.rb'") unless File.file?(path)
text = File.read(path, encoding: 'UTF-8')
name = Regexp.escape(rest.last)
# A class may get its methods from elsewhere.
found = /\bdef\s+(?:[\w:]+\.)?#{name}(?![\w?!])/.match?(text) ||
        /\b(?:define_method|define_singleton_method|alias|alias_method|attr_reader|attr_accessor|def_delegator)\b.*:?\b#{name}\b/.match?(text) ||
        /\b(?:include|extend|require_relative)\b|\bclass\s+[\w:]+\s*</.match?(text)
wrong("'#{file}.rb' defines no '#{rest.last}'") unless found
