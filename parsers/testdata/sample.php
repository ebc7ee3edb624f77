#!/usr/bin/php
<?php
declare(strict_types=1);
namespace A\B;
use X\Y;
/** doc */
#[Attr]
abstract class C extends D implements E
{
    use T;
    const X = 1;
    private $a = [
        1,
        'b' => 2,
    ];
    #[Attr]
    public function f(int $a): ?int
    {
        switch ($a) {
            case 1:
                x();
                break;
            default:
                y();
        }
        foreach ($a as $b): ?>
            <p>html</p>
        <?php endforeach;
        if ($a) { x(); } elseif ($b) {
            y();
        } else {
            z();
        }
        $f = function () use ($a) {
            q();
        };
        $m = match ($a) {
            1 => 2,
            default => 3,
        };
        $h = <<<EOT
  x

EOT;
        return 1;
    }
    abstract function g();
}
interface I { function f(); }
trait T { function x() { } }
enum E: string { case A = 'a'; function y() { } }
function g() {
    if ($a):
        x();
        y();
    endif;
}

/**
 * Sends mail.
 */
final class Mailer
{
    public function __construct(
        private Transport $transport,
        private int $tries = 3,
    ) {
    }

    public function send(Message $message): void
    {
        $left = $this->tries;
        while ($left-- > 0) {
            try {
                $this->transport->deliver($message);
                return;
            } catch (Timeout | Refused $e) {
                usleep(100);
            } finally {
                $this->count++;
            }
        }
        # last resort
        $map = array_map(fn ($x) => $x * 2, [
            1,
            2,
        ]);
        throw new RuntimeException("not sent to {$message->to}");
    }
}
?>
<html>
<?php echo 1; ?>
</html>
