require 'x'
module A
  # doc
  class B < C
    attr_reader :x
    X = [
      1,
      2,
    ].freeze
    def f(a,
          b = 1)
      if a
        x
      elsif b
        y
      else
        z
      end
      case a
      when 1
        x
      else
        y
      end
      foo.each do |x|
        bar(x)
      end
      s = <<~EOS
        text #{a}

        more
      EOS
      begin
        q
      rescue E => e
        r
      ensure
        t
      end
      { a: 1,
        b: 2 }
      x unless y
    rescue => e
      z
    end
    def self.g = 1
    private
    class << self
      def h; end
    end
  end
end
while a do
  b
end
foo(<<A, <<B)
a
A
b
B

# Keeps jobs until they are due.
class Scheduler
  include Comparable

  DEFAULTS = {
    retries: 3,
    delay: 0.5
  }.freeze

  attr_accessor :jobs,
                :clock

  def initialize(clock: Time, **options)
    @clock = clock
    @options = DEFAULTS.merge(options)
    @jobs = []
  end

  # Runs what is due.
  def run!
    until jobs.empty?
      job = jobs.shift
      next unless job.due?(clock.now)

      begin
        job.call
      rescue Timeout::Error, IOError => e
        retry if (tries += 1) < 3
        warn "failed: #{e.message}"
      else
        done << job
      end
    end
    total = jobs.sum { |j| j.cost }
    report = jobs.map do |j|
      name = j.name
      "#{name}: #{j.cost}"
    end
    case total
    when 0 then nil
    when Integer, Float
      report
    end
  end

  def <=>(other) = total <=> other.total
end

if $PROGRAM_NAME == __FILE__
  Scheduler.new.run!
end
