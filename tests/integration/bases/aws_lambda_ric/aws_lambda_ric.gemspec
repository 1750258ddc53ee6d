# A stand-in for AWS's runtime interface client, which can't be had where the tests run: it is started as the real one is from version 3
# on, and speaks to the Runtime API. Its version is the one that lbuild's template takes.
Gem::Specification.new do |spec|
  spec.name = 'aws_lambda_ric'
  spec.version = ENV.fetch('CLIENT_VERSION')
  spec.summary = "Stand-in for AWS's runtime interface client"
  spec.authors = ['lbuild']
  spec.license = 'Apache-2.0'
  spec.homepage = 'https://example.com'
  spec.required_ruby_version = '>= 3.0'
  spec.files = Dir['lib/**/*.rb']
end
